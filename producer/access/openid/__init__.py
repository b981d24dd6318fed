"""Login by OpenID Connect, as any certified provider speaks it; it knows no page and keeps nothing."""
