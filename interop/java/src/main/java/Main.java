/** `Main v1` or `Main v2`: the checks of one generation of the SDK, a line each. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "v1" -> SdkV1.check();
      case "v2" -> SdkV2.check();
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    System.out.println("end");
    // What the SDKs leave running must not keep the program alive.
    System.exit(0);
  }
}
