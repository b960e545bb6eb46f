"""The writes and syncs of a server's data files as strace saw them, replayed up to any point: what a disk holds after a power loss."""
import random
import re

SECTOR = 512
CALLS = "pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename,sendto"
ARGUMENTS = ["-f", "--seccomp-bpf", "-y", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none"]

LINE = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\((?P<rest>.*))")
WRITE = re.compile(r'\d+<(?P<path>[^>]*)>, "(?P<data>[^"]*)", \d+, (?P<offset>\d+)')
PLAIN = re.compile(r'\d+<(?P<path>[^>]*)>, "(?P<data>[^"]*)"')
FILE = re.compile(r"\d+<(?P<path>[^>]*)>")
TRUNCATE = re.compile(r"\d+<(?P<path>[^>]*)>, (?P<size>\d+)")
NAMES = re.compile(r'"([^"]*)"')


def plain(text):
    """strace -xx writes every byte of a string as \\xNN."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def events(log):
    """(call, its arguments as strace wrote them) in the order in which they took effect: syncs when they were done, all else when it began."""
    syncing = {}
    for line in log:
        found = LINE.match(line)
        if not found:
            continue
        if found["resumed"]:
            if found["resumed"] in ("fdatasync", "fsync") and line.rstrip().endswith("= 0"):
                yield found["resumed"], syncing.pop(found["pid"])
        elif found["call"] in ("fdatasync", "fsync"):
            if "<unfinished" in line:
                syncing[found["pid"]] = found["rest"]
            elif line.rstrip().endswith("= 0"):
                yield found["call"], found["rest"]
        else:
            yield found["call"], found["rest"]


class Disk:
    """Files of one folder: what was synced, and what was written since. Names are relative to the folder."""

    def __init__(self, folder, names):
        self.folder = str(folder) + "/"
        self.synced = {name: bytes((folder / name).read_bytes()) if (folder / name).exists() else None for name in names}
        self.pending = {name: [] for name in names}
        self.renamed = None  # last-signed: becomes durable when its folder is synced
        self.beside = b""

    def name(self, path):
        path = plain(path).decode()
        return path.removeprefix(self.folder) if path.startswith(self.folder) else None

    def apply(self, call, rest):
        """True when something became durable."""
        if call == "pwrite64":
            found = WRITE.match(rest)
            name = self.name(found["path"])
            if name in self.pending:
                self.pending[name].append((int(found["offset"]), plain(found["data"])))
        elif call == "write" and (found := PLAIN.match(rest)) and self.name(found["path"]) == "keys/last-signed.new":
            self.beside = plain(found["data"])
        elif call == "rename" and self.name(NAMES.findall(rest)[1]) == "keys/last-signed":
            self.renamed = self.beside
        elif call == "ftruncate":
            found = TRUNCATE.match(rest)
            name = self.name(found["path"])
            if name in self.pending:  # taken for durable at once
                size = int(found["size"])
                self.pending[name] = [(offset, data[:size - offset]) for offset, data in self.pending[name] if offset < size]
                self.synced[name] = (self.synced[name] or b"")[:size]
        elif call == "unlink":
            name = self.name(NAMES.findall(rest)[0])
            if name in self.pending:
                self.pending[name], self.synced[name] = [], None
        elif call in ("fdatasync", "fsync"):
            return self.sync(self.name(FILE.match(rest)["path"]))
        return False

    def sync(self, name):
        if name == "keys" and self.renamed is not None:
            self.synced["keys/last-signed"], self.renamed = self.renamed, None
            return True
        if name not in self.pending:
            return False
        content = bytearray(self.synced[name] or b"")
        for offset, data in self.pending[name]:
            put(content, offset, data)
        self.synced[name], self.pending[name] = bytes(content), []
        return True

    def write_to(self, folder, pending=()):
        """The synced files, and of what is pending whatever reached the disk."""
        for name, content in self.synced.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).unlink(missing_ok=True)
            content = bytearray(content) if content is not None else None
            for file, offset, data in pending:
                if file == name:
                    content = content if content is not None else bytearray()
                    put(content, offset, data)
            if content is not None:
                (folder / name).write_bytes(content)
        (folder / "journal.db-shm").unlink(missing_ok=True)


def put(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def torn(writes, share):
    """Some sectors of writes that were on their way: (name, offset, bytes), in any order."""
    sectors = []
    for name, offset, data in writes:
        at = 0
        while at < len(data):
            end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
            if random.random() < share:
                sectors.append((name, offset + at, data[at:end]))
            at = end
    return sectors
