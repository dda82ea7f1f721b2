"""A disk that loses power, replayed from a trace: what is on it at each moment of a run, and what of that a power cut leaves.

The model is that of POSIX, which promises little: content is safe once its file was fsynced, a name once its folder was. All
else may be there or not, in any combination, and content that was not fsynced may be there in part.
"""

import re
from pathlib import Path

CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,link,linkat,unlink,unlinkat,mkdir"
STRACE = ["strace", "-f", "-y", "-xx", "-qq", "-s", str(1 << 24), "-e", f"trace={CALLS}"]


class Inode:
    """A file: what it holds, and what of that is safe."""

    def __init__(self):
        self.data = bytearray()
        self.safe = b""


class Folder:
    """Names that are safe, and what was done to names since."""

    def __init__(self):
        self.safe = {}
        self.pending = []

    def names(self, kept):
        """The names if of the changes not yet safe those are done for which `kept` says so."""
        names = dict(self.safe)
        for change in self.pending:
            if kept(change):
                apply(change, names)
        return names


def apply(change, names):
    for name, inode in change:
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


class Disk:
    """The folder `root` and all below it. `deaf` is the mutant: the name of a folder whose fsync does nothing."""

    def __init__(self, root, deaf=None):
        self.root, self.deaf = str(root), deaf
        self.folders = {self.root: Folder()}
        self.files = {}

    def call(self, name, arguments):
        """Does one finished call; true if it changed what a power cut would leave."""
        return getattr(self, f"do_{name}")(*arguments) if hasattr(self, f"do_{name}") else False

    def holds(self, path):
        return path.startswith(self.root + "/")

    def change(self, path, *names):
        self.folders[str(Path(path).parent)].pending.append(names)
        return True

    def do_mkdir(self, path):
        if not self.holds(path):
            return False
        self.folders[path] = Folder()
        return self.change(path, (Path(path).name, self.folders[path]))

    def do_create(self, path):
        if not self.holds(path) or path in self.files:
            return False
        self.files[path] = Inode()
        return self.change(path, (Path(path).name, self.files[path]))

    def do_write(self, path, data, at=None):
        if path not in self.files:
            return False
        content = self.files[path].data
        at = len(content) if at is None else at
        content[at : at + len(data)] = data
        return True

    def do_truncate(self, path, length):
        if path in self.files:
            del self.files[path].data[length:]
        return path in self.files

    def do_fsync(self, path):
        if path in self.files:
            self.files[path].safe = bytes(self.files[path].data)
            return True
        if path in self.folders and Path(path).name != self.deaf:
            folder = self.folders[path]
            folder.safe, folder.pending = folder.names(lambda _: True), []
            return True
        return False

    def do_rename(self, path, new):
        if path not in self.files:
            return False
        assert Path(path).parent == Path(new).parent, "objects are renamed within their folder"
        self.files[new] = self.files.pop(path)
        return self.change(new, (Path(path).name, None), (Path(new).name, self.files[new]))

    def do_link(self, path, new):
        if path not in self.files:
            return False
        self.files[new] = self.files[path]
        return self.change(new, (Path(new).name, self.files[new]))

    def do_unlink(self, path):
        gone = self.files.pop(path, None)
        return gone is not None and self.change(path, (Path(path).name, None))

    def after_power_cut(self, kept, content):
        """Files by path: of changes to names that are not safe those that `kept` says, of each file what `content` says."""
        found, contents = {}, {}

        def walk(folder, path):
            for name, entry in folder.names(kept).items():
                if isinstance(entry, Folder):
                    found[f"{path}{name}/"] = None
                    walk(entry, f"{path}{name}/")
                else:
                    found[path + name] = contents.setdefault(id(entry), content(entry))

        walk(self.folders[self.root], "")
        return found


def nothing_unsafe(disk, _dice):
    """Only what is safe."""
    return disk.after_power_cut(lambda _: False, lambda inode: inode.safe)


def names_without_content(disk, _dice):
    """All names, but content only where it is safe: files of no length, as journals of metadata leave them."""
    return disk.after_power_cut(lambda _: True, lambda inode: inode.safe)


def anything(disk, dice):
    """Any of the names; of content that is not safe a part."""

    def content(inode):
        torn = inode.data[: dice.randint(0, len(inode.data))]
        return dice.choice([inode.safe, bytes(inode.data), bytes(torn)]) if inode.data != inode.safe else inode.safe

    return disk.after_power_cut(lambda _: dice.random() < 0.5, content)


POWER_CUTS = [nothing_unsafe, names_without_content, anything]


def materialise(files, folder):
    """Writes files, given by path, into a folder."""
    folder.mkdir()
    for path, data in files.items():
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)


def calls(log):
    """Name and arguments of every finished call of a trace that matters to a disk, in the order in which they ended."""
    begun = {}
    with open(log) as lines:
        for line in lines:
            thread, call = line.rstrip("\n").split(maxsplit=1)
            if call.endswith("<unfinished ...>"):
                begun[thread] = call.removesuffix("<unfinished ...>")
                continue
            if "resumed>" in call:
                call = begun.pop(thread, "") + call.split("resumed>", 1)[1]
            if parsed := parse(call):
                yield parsed


def parse(call):
    """One line of a trace as the call of a [`Disk`], or `None` if it failed or does not matter."""
    done = re.fullmatch(r"(\w+)\((.*)\) += (-?\d+)(?:<.*>)?", call.strip())
    if not done or int(done[3]) < 0:
        return None
    name, text, result = done[1], done[2], int(done[3])
    where = [unquoted(path) for path in re.findall(r"<((?:\\x[0-9a-f]{2})*)>", text)]
    quoted = [unquoted(part) for part in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', text)]
    path = where[0].decode(errors="replace") if where else ""
    paths = [str(Path(path or ".") / Path(part.decode(errors="replace"))) for part in quoted]
    if name == "openat":
        return ("create", paths[:1]) if "O_CREAT" in text else None
    if name == "write":
        return "write", [path, quoted[0][:result]]
    if name == "pwrite64":
        return "write", [path, quoted[0][:result], int(text.rsplit(",", 1)[1])]
    if name == "ftruncate":
        return "truncate", [path, int(text.rsplit(",", 1)[1])]
    if name in ("fsync", "fdatasync"):
        return "fsync", [path]
    return {"linkat": "link", "unlinkat": "unlink"}.get(name, name), paths


def unquoted(text):
    return bytes.fromhex(text.replace("\\x", ""))
