"""What easel aims at in a row: each goal is a text and a test of the figures, which are by contender."""


class Goal:
    def __init__(self, text, met, needs=()):
        self.text, self.met, self.needs = text, met, needs

    def known(self, figures):
        return "easel" in figures and all(n in figures for n in self.needs)

    def missed(self, figures):
        return self.known(figures) and not self.met(figures)

    def verdict(self, figures):
        if not self.known(figures):
            return f"{self.text}: no figure"
        return f"{self.text}: {'missed' if self.missed(figures) else 'met'}"


def share(peer, of):
    """Time at most this share of a peer's."""
    return Goal(f"{of} of {peer}", lambda f: f["easel"]["seconds"] <= of * f[peer]["seconds"], [peer])


def rate(gflops):
    return Goal(f"{gflops} GFLOP/s", lambda f: f["easel"]["gflops"] >= gflops)


def seconds(most):
    return Goal(f"{most} s", lambda f: f["easel"]["seconds"] <= most)


def resident(gib):
    """Peak memory at most, mapped files included."""
    return Goal(f"{gib} GiB", lambda f: f["easel"]["rss"] <= gib * 2**30)


def anonymous(gib):
    """Peak of what is allocated."""
    return Goal(f"{gib} GiB allocated", lambda f: f["easel"]["rss_anon"] <= gib * 2**30)
