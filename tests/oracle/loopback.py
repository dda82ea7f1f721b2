"""What the servers of these tests have in common."""

import socket
import struct
import time
from http.server import BaseHTTPRequestHandler


class QuietHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 without a log; clients who leave early, as they do in these tests, are no failure."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as servers have it: the end of an answer does not wait for an acknowledgement

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            pass

    def send_body(self, body, fault=None, stall=0.8):
        """Ends the headers and sends a body as a fault has it; the number of bytes sent."""
        length = end = len(body)
        if fault in ("reset", "truncated", "stall"):
            end = length // 2
        elif fault == "short length":
            length = end = length // 2
        elif fault == "long length":
            length += 1000
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body[:end])
        self.wfile.flush()
        if fault == "stall":
            time.sleep(stall)
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if end < length or fault:
            self.hang_up()
        return end

    def hang_up(self):
        self.close_connection = True
        self.connection.close()
