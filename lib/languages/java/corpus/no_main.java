public class Quiet {
    static void main(int number) {
        System.out.println(number);
    }
}
