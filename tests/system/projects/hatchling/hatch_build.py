"""Compiles by hand with what sysconfig says, as build hooks do."""

import subprocess
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        compiler = sysconfig.get_config_var("CXX").split()
        include = sysconfig.get_path("include")
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        subprocess.check_call([*compiler, "generator.cc", "-o", "generator"])
        subprocess.check_call(["./generator", "made.h"])
        subprocess.check_call([*compiler, "-x", "c", "mantissa.c", "-o", "mantissa"])
        digits = subprocess.call(["./mantissa"])
        words = ["-O2", "-fPIC", "-shared", f"-DMANTISSA={digits}", f"-I{include}", "demo.cc"]
        subprocess.check_call([*compiler, *words, "-o", f"demo/demo{suffix}"])
        build_data["infer_tag"] = True
        build_data["pure_python"] = False
