/** Replaces the package string-width, which yargs uses for its help and which takes half of its time to load. */
import { cellsOf } from '../../terminal/width.js';

export default cellsOf;
