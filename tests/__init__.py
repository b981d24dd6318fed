"""Everything that checks the programs; the programs never import it."""
