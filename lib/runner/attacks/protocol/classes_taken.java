public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println("the program " + Class.forName("Other").getName());
    }
}
