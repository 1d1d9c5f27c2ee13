"""In a browser that keeps a login, a page of another site launches nothing; without the committed rules it would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import EVERY_NAME_IS_THIS_MACHINE, chromium
from tests.serving.site import NAME, Login, Page, served

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserPage

LAUNCH = "mutation{launchRun}"
OTHER_SITE = f"""
<!doctype html><title>a page of another site</title>
<img src="AT/graphql?query={LAUNCH}"><script src="AT/graphql?query={LAUNCH}"></script>
<iframe src="AT/graphql?query={LAUNCH}"></iframe><iframe name="hidden"></iframe>
<form method="post" action="AT/graphql" target="hidden"><input name="query" value="{LAUNCH}"></form>
<script>
  document.forms[0].submit()
  const tries = [
    fetch("AT/graphql?query={LAUNCH}", {{mode: "no-cors", credentials: "include"}}),
    fetch("AT/graphql", {{method: "POST", mode: "no-cors", credentials: "include", body: "{LAUNCH}"}}),
    fetch("AT/report_asset_materialization/x", {{method: "POST", mode: "no-cors", credentials: "include"}}),
    new Promise(done => {{ const socket = new WebSocket("wss" + "AT/graphql".slice(5)); socket.onerror = socket.onopen = done }}),
  ]
  Promise.allSettled(tries).then(() => document.title = "tried")
</script>
"""
"""All ways in which a page makes a browser ask another site with the login that it keeps."""

OWN_SITE = f"""
async () => {{
  const post = await fetch("/graphql", {{method: "POST", body: "{LAUNCH}"}})
  const socket = new WebSocket("wss://" + location.host + "/graphql")
  await new Promise(done => {{ socket.onerror = socket.onopen = done }})
  return post.status
}}
"""


NEIGHBOUR, STRANGER = "elsewhere.example.org", "elsewhere.example.net"
ASKED = f"/graphql?query={LAUNCH}"
SENT = {
    NEIGHBOUR: {("GET", ASKED), ("GET", "/graphql"), ("POST", "/graphql"), ("POST", "/report_asset_materialization/x")},
    STRANGER: {("GET", ASKED)},
}
"""Where a page lies -> the orders that Chromium sends for it with a login that it keeps.

To Chromium names below one domain are one site. For a stranger it uses the login where a link is followed; older browsers do
so for everything.
"""


@pytest.mark.parametrize("elsewhere", SENT)
def test_in_a_browser_a_page_of_another_site_launches_nothing(login: Login, elsewhere: str) -> None:
    with a_browser_with_a_login(login, login.port) as attack:
        assert attack.page.evaluate(OWN_SITE) == 200
        assert orders() == [(login.launching, "POST", "/graphql"), (login.launching, "GET", "/graphql")]
        Page.asked.clear()
        attack.come_from(elsewhere)
        assert "403" in attack.page.content()
    assert orders() == []


@pytest.mark.parametrize("elsewhere", SENT)
def test_in_a_browser_a_page_of_another_site_launches_where_nothing_is_refused(login: Login, elsewhere: str) -> None:
    """That the test before would see an order: here the browser does send them, and they arrive."""
    with a_browser_with_a_login(login, login.open_port) as attack:
        attack.come_from(elsewhere)
        assert "403" not in attack.page.content()
    assert set(orders()) == {(login.launching, *order) for order in SENT[elsewhere]}


@dataclass(frozen=True)
class Attack:
    """A page of the site, opened by an operator whose login the browser keeps."""

    page: "BrowserPage"
    here: str
    port_elsewhere: int

    def come_from(self, elsewhere: str) -> None:
        """The other site tries all that a page can do, and then leads the visitor to an order."""
        for _ in range(2):
            self.page.goto(f"https://{elsewhere}:{self.port_elsewhere}/")
            self.page.wait_for_function("document.title == 'tried'")
        self.page.evaluate("address => { location = address }", f"{self.here}{ASKED}")
        self.page.wait_for_url(f"{self.here}/**")


@contextmanager
def a_browser_with_a_login(login: Login, port: int) -> Iterator[Attack]:
    """The site at one of its ports in a browser; what is asked from then on is noted."""
    here = f"https://{NAME}:{port}"

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(OTHER_SITE.replace("AT", here).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    other = served(Other, login.certificate)
    try:
        with chromium(EVERY_NAME_IS_THIS_MACHINE) as browser:
            context = browser.new_context(
                ignore_https_errors=True, http_credentials={"username": "operator", "password": "correct horse"}
            )
            page = context.new_page()
            page.goto(f"{here}/")
            Page.asked.clear()
            yield Attack(page, here, other.server_port)
    finally:
        other.shutdown()


def orders() -> list[tuple[int, str, str]]:
    """What the pages behind the login were asked, but for what is only shown."""
    return [asked for asked in Page.asked if asked[1] != "GET" or "graphql" in asked[2].lower()]
