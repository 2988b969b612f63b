"""Small files that survive a power cut: the new content is written beside the old and renamed over it."""

import os

_written = [0]  # bytes since the start, of all small files


def read(path):
    """Bytes of a file, or None when there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def write(path, data):
    """Replace a file whole. littlefs and POSIX rename in one step: a reader finds old or new, never half."""
    beside = path + ".new"
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            _written[0] += len(data)
        os.rename(beside, path)
    except OSError:
        remove(beside)  # on a full disk it would keep room that others need
        raise


def written():
    """Bytes that write() gave to the file system since the start."""
    return _written[0]


def remove(path):
    """Remove a file that may not exist."""
    try:
        os.remove(path)
    except OSError:
        pass


def folder(path):
    """Make a folder unless it stands already."""
    try:
        os.mkdir(path)
    except OSError:
        os.listdir(path)  # raises when the folder is neither there nor could be made


def whole_number(path):
    """The integer that a file holds, or None when it is absent or damaged."""
    try:
        return int(read(path) or b"")
    except ValueError:
        return None
