"""The console script `segment-export`, and `python -m producer`; every command is in `producer.cli`."""

from producer.cli.root import cli


def main() -> None:
    """Run the command line."""
    cli(prog_name="segment-export")


if __name__ == "__main__":
    main()
