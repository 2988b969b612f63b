"""The node's settings. config_file.py reads the file, config_remote.py takes what the gateway sets."""


class Config:
    """Attributes are the settings by name; config_file.py gives them. `problems` lists what was wrong, in
    plain words; `version` is the version of the gateway's settings that are in force, 0 for none."""

    def __init__(self):
        self.problems = []
        self.version = 0
        self.rejected = 0  # the version that was taken back
        self.trial = None  # how the trial of new settings stands, see config_remote.py
        self.file = None  # what the file says of what may be set from afar, once that was done

    def problem(self, text):
        """Say what is wrong, and keep it. Some come again and again, or are long: no more than fit."""
        print(text)
        if len(self.problems) < 16 and text not in self.problems:
            self.problems.append(text)
