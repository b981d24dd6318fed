"""How a run begins: by an event, by a person or by a schedule."""
