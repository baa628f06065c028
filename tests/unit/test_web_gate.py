"""Who is let in to the browser window, request by request."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from brainreg3d.gui.web_gate import Gate

HOST = "127.0.0.1:8080"


def _answer(gate, path, **headers):
    """Return the answer to a request that would show a secret if it were let in."""

    async def show(request):
        return web.Response(text="secret")

    request = make_mocked_request("GET", path, headers={"Host": HOST, **headers})
    return asyncio.run(gate.middleware()(request, show))


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def cookie(gate):
    answer = _answer(gate, f"/?token={gate.token}")
    assert answer.status == 303
    (morsel,) = answer.cookies.values()
    return morsel.OutputString().split(";")[0]


@pytest.mark.parametrize(
    "path", ["/", "/?token=", "/?token=x", "/?token=%ff", "/?token=%ED%A0%80", "/../page.html"]
)
def test_without_the_token_nothing_is_shown(gate, path):
    assert _answer(gate, path).status == 403


@pytest.mark.parametrize("origin", [None, f"http://{HOST}"])
def test_its_own_page_is_let_in(gate, cookie, origin):
    headers = {} if origin is None else {"Origin": origin}
    answer = _answer(gate, "/page.js", Cookie=cookie, **headers)
    assert (answer.status, answer.text) == (200, "secret")


@pytest.mark.parametrize(
    "origin", ["null", "http://127.0.0.1:1", "http://evil.example", "http://[::1", HOST, ""]
)
def test_pages_from_elsewhere_are_refused_even_with_the_cookie(gate, cookie, origin):
    assert _answer(gate, "/page.js", Cookie=cookie, Origin=origin).status == 403


def test_another_cookie_is_refused_whatever_its_bytes(gate, cookie, monkeypatch):
    name, _, value = cookie.partition("=")
    # aiohttp decodes bytes that are no text to lone surrogates.
    for other in ("", value[:-1], value + "x", "\udcff\udcfe"):
        monkeypatch.setattr(web.BaseRequest, "cookies", {name: other})
        assert _answer(gate, "/page.js").status == 403
    monkeypatch.setattr(web.BaseRequest, "cookies", {name: value})
    assert _answer(gate, "/page.js").status == 200
