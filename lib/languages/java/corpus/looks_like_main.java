abstract class Early { private static void main(String[] a) {} void main() {} }
class Other { static void main(int n) {} }
class Base { public static void main(String... a) { System.out.println("base"); } }
class Child extends Base {}
