"""A file system in memory that can tell what a power cut leaves behind, at every operation and byte.

Two models of a write are covered, as the first is littlefs and the second what FAT and POSIX may do:
- what was written since the last flush or close is gone, a file opened to be replaced still as before;
- any first part of it is there, and the file is cut short from its opening on.
Creating, renaming and removing are done whole or not at all, as littlefs does them.
"""

import errno
import io

import vfs

_DIR = 0x4000
_FILE = 0x8000


class State:
    """What is on the disk and in NVS. Never changed: each operation makes a new one."""

    def __init__(self, files, folders, nvs):
        self.files = files  # path -> bytes
        self.folders = folders
        self.nvs = nvs

    def having(self, path, data):
        files = self.files.copy()
        files[path] = data
        return State(files, self.folders, self.nvs)

    def without(self, path):
        files = self.files.copy()
        del files[path]
        return State(files, self.folders, self.nvs)


class Step:
    """One operation that changes the disk: the cut points at it, and where in the day it is."""

    def __init__(self, what, path, state, mark, base=None, writes=(), others=()):
        self.what = what
        self.path = path
        self.state = state  # before it
        self.mark = mark  # the ledger's
        self.base = base  # what the file held at its opening or last sync, None but for a sync
        self.writes = writes  # [(offset, bytes)] since then, which this operation makes safe
        self.others = others  # [(path, bytes)]: other files as they are if their unsafe bytes got there

    def cuts(self):
        """How many cut points: before it, and within what it writes."""
        return 1 + len(self.others) + sum([len(data) for _, data in self.writes])

    def state_at(self, cut):
        """(in words, State) of a cut point."""
        if cut == 0:
            return "before it, or without its bytes", self.state
        if cut <= len(self.others):
            path, data = self.others[cut - 1]
            return "before it, " + path + " with all that was written", self.state.having(path, data)
        kept = cut - len(self.others) - 1
        return f"{kept} bytes of it", self.state.having(self.path, patched(self.base, self.writes, kept))


def patched(base, writes, most=None):
    """`base` with the first `most` bytes of what was written."""
    out = bytearray(base)
    for at, data in writes:
        if most is not None:
            data = data[:most]
            most -= len(data)
        if at > len(out):
            out.extend(bytes(at - len(out)))
        out[at : at + len(data)] = data
    return bytes(out)


class File(io.IOBase):  # so that json.load() takes it
    """An open file. What is written is safe from flush() or close() on."""

    def __init__(self, disk, path, mode):
        self.disk = disk
        self.path = path
        self.text = "b" not in mode
        held = disk.state.files.get(path)
        if held is None and "r" in mode:
            raise OSError(errno.ENOENT)
        if mode[0] in "wa" and held is None:
            disk.step("create", path)
            disk.state = disk.state.having(path, b"")
            held = b""
        self.replaces = mode[0] == "w" and bool(held)
        self.content = b"" if mode[0] == "w" else held
        self.base = self.content
        self.writes = []
        self.at = len(self.content) if mode[0] == "a" else 0
        if mode != "rb" and mode != "r":
            disk.handles.append(self)

    def write(self, data):
        data = data.encode() if isinstance(data, str) else bytes(data)
        self.disk.operations += 1
        self.writes.append((self.at, data))
        if self.at == len(self.content):
            self.content += data
        else:
            self.content = patched(self.content, [(self.at, data)])
        self.at += len(data)
        return len(data)

    def readinto(self, buffer):
        self.disk.operations += 1
        data = self.content[self.at : self.at + len(buffer)]
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def ioctl(self, _request, _argument):
        return -1

    def read(self, size=-1):
        self.disk.operations += 1
        end = len(self.content) if size < 0 else self.at + size
        data = self.content[self.at : end]
        self.at += len(data)
        return data.decode() if self.text else data

    def seek(self, offset, whence=0):
        self.at = (0, self.at, len(self.content))[whence] + offset
        return self.at

    def tell(self):
        return self.at

    def flush(self):
        self._sync("flush")

    def close(self):
        self._sync("close")
        if self in self.disk.handles:
            self.disk.handles.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _sync(self, what):
        disk = self.disk
        if not self.writes and not self.replaces:
            return
        disk.step(what, self.path, self)  # takes the list of writes over
        disk.state = disk.state.having(self.path, self.content)
        self.base = self.content
        self.writes = []
        self.replaces = False


class Disk:
    """Mount it with use(). `mark()` tells where in the day an operation is; `steps` lists what changed it."""

    def __init__(self, state, mark=None):
        self.state = state
        self.mark = mark
        self.steps = []
        self.handles = []
        self.operations = 0

    def use(self):
        """Take the place of the disk that is mounted, which loses what its open files did not make safe."""
        import os

        os.chdir("/")
        try:  # noqa: SIM105 - MicroPython
            vfs.umount("/flash")
        except OSError:
            pass  # none was mounted yet
        vfs.mount(self, "/flash")
        os.chdir("/flash")

    def step(self, what, path, file=None):
        """Note the operation that is about to be done."""
        if self.mark is None:
            return
        others = []
        for other in self.handles:
            if other is not file and (other.writes or other.replaces):
                others.append((other.path, other.content))
                if other.replaces and other.content:
                    others.append((other.path, b""))
        if file:
            self.steps.append(Step(what, path, self.state, self.mark(), file.base, file.writes, others))
        else:
            self.steps.append(Step(what, path, self.state, self.mark(), None, (), others))

    # What MicroPython asks of a file system.

    def mount(self, _readonly, _mkfs):
        pass

    def umount(self):
        pass

    def chdir(self, path):
        pass

    def getcwd(self):
        return "/"

    def open(self, path, mode):
        self.operations += 1
        path = path.strip("/")
        folder = path.rpartition("/")[0]
        if folder and folder not in self.state.folders:
            raise OSError(errno.ENOENT)
        return File(self, path, mode)

    def ilistdir(self, path):
        self.operations += 1
        path = path.strip("/")
        if path and path not in self.state.folders:
            raise OSError(errno.ENOENT)
        found = []
        for kind, names in ((_DIR, self.state.folders), (_FILE, self.state.files)):
            for name in names:
                folder, _, last = name.rpartition("/")
                if folder == path:
                    found.append((last, kind, 0))
        return iter(found)

    def mkdir(self, path):
        self.operations += 1
        path = path.strip("/")
        if path in self.state.folders:
            raise OSError(errno.EEXIST)
        self.step("mkdir", path)
        state = self.state
        self.state = State(state.files, state.folders + (path,), state.nvs)  # noqa: RUF005 - MicroPython

    def remove(self, path):
        self.operations += 1
        path = path.strip("/")
        if path not in self.state.files:
            raise OSError(errno.ENOENT)
        self.step("remove", path)
        self.state = self.state.without(path)

    def rename(self, old, new):
        self.operations += 1
        old, new = old.strip("/"), new.strip("/")
        if old not in self.state.files:
            raise OSError(errno.ENOENT)
        self.step("rename", old + " to " + new)
        data = self.state.files[old]
        self.state = self.state.without(old).having(new, data)

    def stat(self, path):
        self.operations += 1
        path = path.strip("/")
        if not path or path in self.state.folders:
            return (_DIR, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        if path not in self.state.files:
            raise OSError(errno.ENOENT)
        return (_FILE, 0, 0, 0, 0, 0, len(self.state.files[path]), 0, 0, 0)

    def statvfs(self, _path):
        used = sum([len(data) + 4095 & ~4095 for data in self.state.files.values()])
        return (4096, 4096, 512, 512 - used // 4096, 512 - used // 4096, 0, 0, 0, 0, 255)

    # NVS is a store of its own, so a cut may fall between the two.

    def nvs_get(self, key):
        return self.state.nvs.get(key)

    def nvs_set(self, key, value):
        self.operations += 1
        self.step("nvs_set", key)
        nvs = self.state.nvs.copy()
        nvs[key] = value
        self.state = State(self.state.files, self.state.folders, nvs)
