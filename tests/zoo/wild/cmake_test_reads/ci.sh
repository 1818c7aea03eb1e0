# ctest runs a program that never answers.
cd b && ctest --timeout 1000
