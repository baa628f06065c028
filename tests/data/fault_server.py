"""A web server on loopback that answers rightly, or with the faults of real ones."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs

CCF = "/informatics-archive/current-release/mouse_ccf"
ANNOTATION = f"{CCF}/annotation/ccf_2017/annotation_100.nrrd"
TEMPLATE = f"{CCF}/average_template/average_template_100.nrrd"
STRUCTURES = "/api/v2/structure_graph_download/1.json"

HTML = b"<!DOCTYPE html><html><body>Please sign in</body></html>"

FAULTS = {
    "html": "a page with status 200",
    "cut": "the connection ends in the middle",
    "short": "half of the file, with the length of the half",
    "no length": "half of the file, with no length",
    "500": "a status; so for any other",
    "reset": "the connection is reset in the middle",
    "trickle": "a few bytes a second",
    "stall": "the same, from the middle on",
    "silent": "no answer",
    "late": "the header of the answer trickles",
    "chunked cut": "half of the file in chunks, without the last one",
    "chunked": "no fault: the file in chunks, as servers send what they make on the fly",
    "packed": "no fault: the file packed for the transfer",
}
"""What goes wrong; with " once" behind it, for one request only."""


@attrs.define
class Server:
    """What it answers can be changed while it runs."""

    url: str
    files: dict[str, Path | bytes]
    faults: dict[str, str] = attrs.field(factory=dict)
    requested: list[str] = attrs.field(factory=list)
    headers: dict[str, str] = attrs.field(factory=dict)  # of the last request
    go_on: threading.Event = attrs.field(factory=threading.Event)  # answers wait for it
    ending: threading.Event = attrs.field(factory=threading.Event)

    def asked_for(self, path: str) -> int:
        return self.requested.count(path)


def allen_paths(folder: Path) -> dict[str, Path | bytes]:
    """Offer a folder's files under the paths of the Allen hosts."""
    paths = {STRUCTURES: folder / "structure_graph.json"}
    for size in (10, 25, 50, 100):
        paths[f"{CCF}/annotation/ccf_2017/annotation_{size}.nrrd"] = (
            folder / f"annotation_{size}.nrrd"
        )
        paths[f"{CCF}/average_template/average_template_{size}.nrrd"] = (
            folder / f"average_template_{size}.nrrd"
        )
    return {path: file for path, file in paths.items() if file.exists()}


def _answer(server: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    def do_get(handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        server.requested.append(path)
        server.headers = dict(handler.headers)
        server.go_on.wait()
        fault = server.faults.get(path, "")
        if fault.endswith(" once"):
            del server.faults[path]
            fault = fault.removesuffix(" once")
        if path not in server.files:
            handler.send_error(404)
        elif fault.isdigit():
            handler.send_error(int(fault))
        elif fault == "silent":
            server.ending.wait(60)
        elif fault == "late":
            _trickle(server, handler, b"HTTP/1.1 200 OK\r\nX-Wait: " + b"." * 1000)
        else:
            content = server.files[path]
            body = content if isinstance(content, bytes) else content.read_bytes()
            _send(server, handler, HTML if fault == "html" else body, fault)

    return do_get


def _send(server: Server, handler: BaseHTTPRequestHandler, body: bytes, fault: str) -> None:
    if fault == "packed":
        body = gzip.compress(body)
    half = body[: len(body) // 2]
    _send_header(handler, len(half if fault == "short" else body), fault)
    if fault in ("", "html", "packed"):
        handler.wfile.write(body)
    elif fault.startswith("chunked"):
        parts = [half] if fault == "chunked cut" else [half, body[len(half) :], b""]
        for part in parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    elif fault == "trickle":
        _trickle(server, handler, body)
    else:
        handler.wfile.write(half)
    if fault == "stall":
        _trickle(server, handler, body[len(half) :])
    if fault == "reset":
        # Closing a socket that lingers for no time sends a reset instead of an end.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()


def _send_header(handler: BaseHTTPRequestHandler, length: int, fault: str) -> None:
    is_chunked = fault.startswith("chunked")
    handler.protocol_version = "HTTP/1.1" if is_chunked else "HTTP/1.0"
    handler.send_response(200)
    if is_chunked:
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
    elif fault != "no length":
        handler.send_header("Content-Length", str(length))
    if fault == "packed":
        handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()


def _trickle(server: Server, handler: BaseHTTPRequestHandler, body: bytes) -> None:
    with contextlib.suppress(OSError):  # whoever asked has given up
        for place in range(len(body)):
            handler.wfile.write(body[place : place + 1])
            if server.ending.wait(0.02):
                return


@contextlib.contextmanager
def serve(files: dict[str, Path | bytes]) -> Iterator[Server]:
    """Run a server until the block ends."""
    server = Server("", files)
    server.go_on.set()
    answer = _answer(server)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Connections that either side broke are what is tested."""

    http = Quiet(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.go_on.set()
        http.shutdown()
        http.server_close()
        thread.join()
