"""A scripted HTTP server: keeps every request, answers what it is told to."""

import http.server
import queue
import threading


class Received:
    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, handler.headers, body


class HttpPeer:
    """`requests` is a queue of what came in. `answers` are (status, body) for the next requests, then 200 with an empty body. `on` answers by what the
    request says: a function of Received that returns (status, body) or None."""

    def __init__(self, port=0):
        self.requests = queue.Queue()
        self.answers = queue.Queue()
        self.on = None
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                received = Received(self, body)
                peer.requests.put(received)
                answer = peer.on(received) if peer.on else None
                if answer is None:
                    answer = peer.answers.get_nowait() if not peer.answers.empty() else (200, b"{}")
                status, text = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def next(self, deadline_s=20):
        return self.requests.get(timeout=deadline_s)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
