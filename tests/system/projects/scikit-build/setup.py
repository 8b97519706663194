from skbuild import setup

setup(name="demo-scikit-build", version="1.0", packages=["demo"], cmake_install_dir="demo")
