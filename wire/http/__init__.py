"""An HTTP session that reaches public hosts only."""
