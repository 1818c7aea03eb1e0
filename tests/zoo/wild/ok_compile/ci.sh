# A long compile that says nothing.
awk 'BEGIN { print "#include <map>\n#include <string>\n#include <vector>"; for (i = 0; i < 300; i++) printf "std::map<std::string, std::vector<std::string>> f%d(int x) { std::map<std::string, std::vector<std::string>> m; m[\"a\"].push_back(\"b\"); return m; }\n", i }' > a.cc
g++ -O2 -c a.cc
