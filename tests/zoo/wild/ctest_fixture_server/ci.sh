cd b && ctest
