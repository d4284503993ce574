"""Where the scripts of a node lie in this repository, and how to load one that has no .py name."""

import importlib.machinery
import importlib.util
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ANSIBLE = HERE.parents[2] / "ansible"


def scripts_of(role):
    return ANSIBLE / "roles" / role / "rootfs/usr/lib/home-pi"


def load(role, name):
    for folder in (scripts_of("rauc"), scripts_of(role)):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    return load_path(name.removesuffix(".py").replace("-", "_"), scripts_of(role) / name)


def load_path(name, path):
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.modules[name] = module
    loader.exec_module(module)
    return module
