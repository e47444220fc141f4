// Package compare answers "how do these two files differ?" for two tables of inference records.
//
// Both files are read whole into memory, one float64 or one small integer a value (about 8 bytes for a number,
// 4 for a category), compared column by column with the same bins and formulas as the live agent, and
// reported as a table or as JSON. It pages nobody and keeps nothing.
package compare
