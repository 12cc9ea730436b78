"""The strangers of deploy/demo where other containers find them: at port 9000, for as long as the container lives."""

import http.server
import pathlib
import tempfile

import demo_peers

PORT = 9000

demo_peers.Handler.folder = pathlib.Path(tempfile.gettempdir())
http.server.ThreadingHTTPServer(('0.0.0.0', PORT), demo_peers.Handler).serve_forever()
