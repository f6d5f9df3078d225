\u0070ublic class Main {
    public static void main(String[] args) {
        // \u000a System.out.println("a line of its own");
        System.out.println("\u0022 + 6 * 7 + \u0022");
    }
}
