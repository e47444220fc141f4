// Package scenarios breaks a model on purpose and looks who is paged.
//
// Fixtures plays the scenarios of rule tests: records of the simulated spam classifier, with the faults that the test names,
// through the engine of the model file that it gives. Table is the project's own list: each fault alone and on top of day and
// night, beside an innocent twin that must stay silent, through the shipped rule packs and the built-in routes.
//
// Time is virtual: nothing sleeps, nothing is sent, and the same seed gives the same table. A scenario holds one engine and,
// while records are delayed, those that are under way; MaxRecords bounds how many it draws in all. Plays share nothing, so
// they may run side by side. The package says nothing about logs and how they are read: records do not pass a file.
package scenarios
