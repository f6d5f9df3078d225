template <int N, int M>
struct Bomb {
  using left = typename Bomb<N - 1, 2 * M>::left;
  using right = typename Bomb<N - 1, 2 * M + 1>::right;
  left a;
  right b;
};
template <int M>
struct Bomb<0, M> {
  using left = int;
  using right = int;
};
int main() { Bomb<800, 0> bomb; }
