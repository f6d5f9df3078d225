export { type Clock, systemClock } from '#lib/clock';
