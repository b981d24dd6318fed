"""Who may use the producer: API tokens and sign-in with OpenID Connect."""
