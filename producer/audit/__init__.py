"""The audit trail: who changed or decided what, and when."""
