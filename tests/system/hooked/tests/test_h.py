def test():
    import hooked, iniconfig, six

    assert hooked.answer() == 42
