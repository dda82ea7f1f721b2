"""Servers of files on loopback: OpenSSH's sftp behind a proxy that breaks connections, and pyftpdlib with faults on order."""

import os
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from access_server import PASSWORD, USER, parts

SSHD = "/usr/sbin/sshd"


def tree(root: Path, granules):
    """The granules as AVISO lays them out."""
    for path in granules:
        folder = root / f"swot_products/l2_karin/l2_lr_ssh/PGC0/Basic/cycle_{parts(path.name)[1]:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    (root / "swot_products/l2_karin/l2_lr_ssh/PGC0/Expert").mkdir()
    return root


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sshd:
    """OpenSSH's server, run as whoever runs the tests; it takes the key in `key`."""

    def __init__(self, folder: Path):
        folder.mkdir(exist_ok=True)
        self.port, self.folder = free_port(), folder
        self.key = folder / "id_ed25519"
        for name, kind in (("host_ed25519", "ed25519"), ("host_rsa", "rsa"), ("id_ed25519", "ed25519"), ("id_rsa", "rsa"), ("stranger", "ed25519")):
            subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", kind, "-f", folder / name], check=True)
        subprocess.run(["ssh-keygen", "-q", "-N", "a passphrase", "-t", "ed25519", "-f", folder / "locked"], check=True)
        allowed = "".join((folder / f"{name}.pub").read_text() for name in ("id_ed25519", "id_rsa", "locked"))
        (folder / "authorized_keys").write_text(allowed)
        (folder / "sshd_config").write_text(f"""ListenAddress 127.0.0.1:{self.port}
HostKey {folder}/host_ed25519
HostKey {folder}/host_rsa
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
""")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("sshd does not start")

    def known_hosts(self, path: Path, *ports, key="host_ed25519"):
        kind, value = (self.folder / f"{key}.pub").read_text().split()[:2]
        path.write_text("".join(f"[127.0.0.1]:{port} {kind} {value}\n" for port in ports))
        return path

    def close(self):
        self.process.terminate()
        self.process.wait()


class Proxy:
    """Passes bytes on to a port; each connection meets the next fault: what happens after so many bytes from the server."""

    def __init__(self, target):
        self.target, self.faults, self.sent, self.connections = target, [], 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            fault = self.faults.pop(0) if self.faults else None
            threading.Thread(target=self.serve, args=(client, fault), daemon=True).start()

    def serve(self, client, fault):
        kind, after = fault or (None, 1 << 60)
        if kind == "refused":
            return client.close()
        server = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
        try:
            while chunk := server.recv(1 << 16):
                chunk, after = chunk[:after], after - len(chunk)
                client.sendall(chunk)
                self.sent += len(chunk)
                if after <= 0:
                    break
            if kind == "stall":
                time.sleep(2.5)
            if kind == "flip":  # encrypted bytes that are not those of the server
                client.sendall(os.urandom(512))
            if kind == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        client.close()
        server.close()

    @staticmethod
    def pump(source, target):
        try:
            while chunk := source.recv(1 << 16):
                target.sendall(chunk)
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


REFUSALS = {"busy": "450 Busy.", "closed": "421 Too many users.", "no data": "425 Can't open data connection.", "no file": "550 No such file."}


class Ftp:
    """pyftpdlib with an account, and faults that the next transfers meet."""

    def __init__(self, root: Path, anonymous=False, old=False):
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.filesystems import AbstractedFS
        from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler
        from pyftpdlib.ioloop import IOLoop
        from pyftpdlib.servers import ThreadedFTPServer

        outer = self
        self.faults, self.sent, self.commands, self.rate = {}, 0, [], 0
        authorizer = DummyAuthorizer()
        authorizer.add_user(USER, PASSWORD, str(root), perm="elr")
        if anonymous:
            authorizer.add_anonymous(str(root))

        class Faulty:
            """A file whose reading goes wrong half way, or at once."""

            def __init__(self, file, fault, channel):
                self.file, self.channel, self.name, self.at = file, channel, file.name, 0
                self.fault, self.at_once = (fault or "").removesuffix(" at once"), (fault or "").endswith(" at once")
                self.half = 0 if self.at_once else os.fstat(file.fileno()).st_size // 2

            def seek(self, place):
                self.file.seek(place)
                if not self.at_once:
                    self.half = max(self.half, (os.fstat(self.file.fileno()).st_size + place) // 2)
                self.at = place

            def read(self, count):
                if self.at >= self.half and self.fault:
                    fault, self.fault = self.fault, None
                    if fault == "stall":
                        time.sleep(1.5)
                    elif fault == "changed":
                        path = Path(self.name)
                        path.write_bytes(path.read_bytes() + b"more")
                    elif fault == "cut":
                        self.file.seek(0, 2)
                    else:
                        if fault == "reset":
                            self.channel.data_channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        raise OSError(5, "broken on order")
                chunk = self.file.read(min(count, max(self.half - self.at, 1)) if self.fault else count)
                self.at += len(chunk)
                outer.sent += len(chunk)
                return chunk

            def close(self):
                self.file.close()

            @property
            def closed(self):
                return self.file.closed

        class Files(AbstractedFS):
            def open(self, filename, mode):
                file = super().open(filename, mode)
                waiting = outer.faults.get(Path(filename).name)
                return Faulty(file, waiting.pop(0) if waiting else None, self.cmd_channel)

        class Dtp(ThrottledDTPHandler):
            @property
            def read_limit(self):
                return 0

            @property
            def write_limit(self):
                return outer.rate

        class Handler(FTPHandler):
            def pre_process_command(self, line, cmd, arg):
                outer.commands.append((cmd, arg))
                return super().pre_process_command(line, cmd, arg)

            def ftp_RETR(self, file):
                waiting = outer.faults.get(Path(file).name) or [None]
                if waiting[0] == "gone":  # without a word
                    waiting.pop(0)
                    return self.close()
                if waiting[0] in REFUSALS:
                    fault = waiting.pop(0)
                    self.respond(REFUSALS[fault])
                    if fault == "closed":
                        self.close_when_done()
                    return None
                return super().ftp_RETR(file)

        Handler.authorizer, Handler.abstracted_fs, Handler.dtp_handler = authorizer, Files, Dtp
        Handler.use_sendfile, Handler.auth_failed_timeout = False, 0.1
        # A server that names another machine for data: karin must not go there.
        Handler.masquerade_address = "127.0.0.2"
        if old:
            Handler.proto_cmds = {name: facts for name, facts in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST")}

        class Server(ThreadedFTPServer):
            # Of the class, these would be those of every server of the process, and one that closes would end the others.
            _exit, _lock = threading.Event(), threading.Lock()

        self.server = Server(("127.0.0.1", 0), Handler, ioloop=IOLoop())
        self.port = self.server.socket.getsockname()[1]
        self.url = f"ftp://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"timeout": 0.05}, daemon=True).start()

    def close(self):
        self.server.close_all()
