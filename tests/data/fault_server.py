"""A web server on loopback that answers rightly, or with the faults of real ones."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs

CCF = "/informatics-archive/current-release/mouse_ccf"


@attrs.define
class Server:
    """What it answers can be changed while it runs."""

    url: str
    files: dict[str, Path]
    faults: dict[str, str] = attrs.field(factory=dict)
    requested: list[str] = attrs.field(factory=list)


def allen_paths(folder: Path) -> dict[str, Path]:
    """Offer a folder's files under the paths of the Allen hosts."""
    paths = {"/api/v2/structure_graph_download/1.json": folder / "structure_graph.json"}
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
        fault = server.faults.get(path)
        if fault == "503 once":
            del server.faults[path]
            handler.send_error(503)
            return
        if path not in server.files:
            handler.send_error(404)
            return
        body = server.files[path].read_bytes()
        if fault == "html":
            body = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
        length = len(body)
        if fault in ("cut", "short"):
            body = body[: length // 2]
        if fault == "short":  # a server or proxy that believes the half to be the whole
            length = len(body)
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(body)

    return do_get


@contextlib.contextmanager
def serve(files: dict[str, Path]) -> Iterator[Server]:
    """Run a server until the block ends."""
    server = Server("", files)
    handler = type(
        "Handler",
        (BaseHTTPRequestHandler,),
        {"do_GET": _answer(server), "log_message": lambda *_: None},
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
