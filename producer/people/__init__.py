"""What is known of a person: membership, trace, explanation, erasure."""
