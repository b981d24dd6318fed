"""
What keeps somebody from logging in by OpenID Connect, sorted by what comes next.

* OpenIdError
  x Down        the provider gives no usable answer: try again, or log in with a token.
  x Stale       what came back belongs to no login that was begun here, or its time is over: begin again.
  x Declined    the provider did not let them in, or they did not want to.
  x Untrusted   the provider's word cannot be believed: whose, for whom, when, signed by whom. An operator looks into it.
  x NoRole      they are who they say, and nobody gave them a role here: an administrator does.

No message holds a token, a code, a secret, or words of the provider's own: those can quote a person.
"""


class OpenIdError(Exception):
    """Nobody is logged in."""


class Down(OpenIdError):
    """There is no usable answer from the provider."""


class Stale(OpenIdError):
    """The answer is to nothing that was asked from this browser lately."""


class Declined(OpenIdError):
    """The provider says no."""


class Untrusted(OpenIdError):
    """What the provider says is not to be believed."""


class NoRole(OpenIdError):
    """Whoever it is, they have no role here."""
