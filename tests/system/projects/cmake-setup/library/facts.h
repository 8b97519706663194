int mantissa_of_the_library();
