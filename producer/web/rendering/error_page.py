"""Says as a page what went wrong: what, and how to go on. What counts as wrong is the API's to say."""

from typing import Final

from aiohttp import web

from producer.api.problem_responses import Problem
from producer.web.rendering.navigation import N_
from producer.web.rendering.templating import language_of, render

HEADINGS: Final = {
    401: N_("You are not signed in"),
    403: N_("This is not for you"),
    404: N_("There is nothing here"),
    405: N_("This cannot be done here"),
    409: N_("This does not fit what is there"),
    413: N_("This is too large"),
    422: N_("Something is not as needed"),
    429: N_("Too many attempts"),
    503: N_("Not now"),
}
OTHER: Final = N_("Something went wrong")

WAYS_ON: Final = {
    403: N_("An administrator can do it, or give you a token of another role."),
    404: N_("It may have been removed or renamed. The lists show what there is."),
    409: N_("Look at how it stands now and decide anew."),
    429: N_("Wait a minute, then try again."),
    503: N_("Nothing is lost. Try again in a moment."),
    500: N_("Try again. If it stays so, tell whoever runs this producer: the time above leads to the line in its log."),
}
"""By status; others have none."""


def show_problem(request: web.Request, problem: Problem) -> web.Response:
    """Answer with a page that says what a problem is."""
    faults = [language_of(request).sentence(fault.detail) for fault in problem.faults]
    response = render(
        request,
        "problem.html",
        status=problem.status,
        code=problem.status,
        heading=HEADINGS.get(problem.status, OTHER),
        detail=problem.detail,
        faults=faults,
        way_on=WAYS_ON.get(problem.status, ""),
    )
    response.headers.update({name: value for name, value in problem.headers.items() if name != "WWW-Authenticate"})
    return response
