/* One thread that runs seeds with a bug in it. The order counts. */
import './plant-in-thread';
import '../seed-thread';
