import demo_cxx

assert demo_cxx.words("c b a") == "abc"
assert demo_cxx.words("") is None
