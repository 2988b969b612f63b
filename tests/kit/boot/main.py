# What the ESP32's own _boot.py does, on the Unix port: mount the partition at / and run its main.py.
# The host's files move to /host. ../partition.bin is the chip's flash; it is written through at once.
import os
import sys

import machine
import vfs

BLOCK = 4096


class Flash:
    def __init__(self, file):
        self.file = file
        file.seek(0, 2)
        self.blocks = file.tell() // BLOCK

    def readblocks(self, number, buf, offset=0):
        self.file.seek(number * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, number, buf, offset=None):
        if offset is None:
            self.ioctl(6, number)
            offset = 0
        self.file.seek(number * BLOCK + offset)
        self.file.write(buf)

    def ioctl(self, what, argument):
        if what == 4:
            return self.blocks
        if what == 5:
            return BLOCK
        if what == 6:
            self.file.seek(argument * BLOCK)
            self.file.write(b"\xff" * BLOCK)
        return 0


flash = Flash(open("../partition.bin", "r+b"))  # noqa: SIM115 - as long as the node runs
here = os.getcwd()
vfs.umount("/")
vfs.mount(vfs.VfsPosix("/"), "/host")
vfs.mount(flash, "/")  # the kind of file system is found out, as on the chip
os.chdir("/")
sys.path[:] = ["", ".frozen"]
sys.modules["esp32"] = machine._Thing("esp32")
print("boot: mounted", sorted(os.listdir("/")))
exec(open("/main.py").read())  # noqa: SIM115
