/** Stands in for the package of this name, which yargs asks how wide its help is: half of what yargs costs to load. */
import { cellsOf } from '../../terminal/width.js';

export default cellsOf;
