#include <bits/stdc++.h>

using namespace std;

struct Point {
  int x, y;
  auto operator<=>(const Point &) const = default;
};

template <typename T>
concept Number = integral<T> || floating_point<T>;

template <Number T>
T twice(T value) { return value * 2; }

int main(int argc, char **argv) {
  string name;
  getline(cin, name);
  int sum = 0, n;
  while (cin >> n) sum += n;
  cout << name << ' ' << sum << ' ' << argc - 1 << ' ' << argv[1] << endl;
  vector<int> v{3, 1, 2};
  ranges::sort(v);
  for (int i : v | views::transform([](int i) { return i * i; })) cout << i << ' ';
  cout << twice(21) << ' ' << (Point{1, 2} < Point{1, 3}) << '\n';
  map<string, vector<int>> m{{"b", {1}}, {"a", {2, 3}}};
  for (auto &[key, value] : m) cout << key << value.size();
  cout << '\n';
  atomic<int> total = 0;
  vector<jthread> threads;
  for (int i = 0; i < 10; i++) threads.emplace_back([&] { total += 1; });
  threads.clear();
  cout << total << ' ' << async(launch::async, [] { return 42; }).get() << '\n';
  cout << fixed << setprecision(3) << numbers::pi << ' ' << regex_replace("a1b22", regex("[0-9]+"), "#") << '\n';
  ofstream("kept.txt") << "kept";
  string kept;
  ifstream("kept.txt") >> kept;
  cout << kept << ' ' << filesystem::file_size("data.txt") << '\n';
  try {
    throw runtime_error("caught");
  } catch (const exception &error) {
    cerr << error.what() << '\n';
  }
  return 7;
}
