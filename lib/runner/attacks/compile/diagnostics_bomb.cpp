template <typename T> struct F { template <typename U> struct G { using type = typename F<G<U>>::template G<F<U>>::type; }; };
#define L(x) F<int>::G<x>::type a##x; b##x c##x = d##x;
#define M(x) L(x##0) L(x##1) L(x##2) L(x##3) L(x##4) L(x##5) L(x##6) L(x##7)
#define N(x) M(x##0) M(x##1) M(x##2) M(x##3) M(x##4) M(x##5) M(x##6) M(x##7)
N(z) N(y) N(w) N(v) N(u)
int main() {}
