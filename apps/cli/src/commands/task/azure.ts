import { Option, type Command } from 'commander';

/**
 * Options that az takes everywhere and that say nothing here: a Plinth has no resource groups and no subscriptions, and
 * a task is found by its name alone. They are taken, so that a script of az runs as it is.
 */
export const addAzureOptions = (command: Command): Command =>
  command
    .addOption(new Option('-r, --registry <registry>', 'registry of image names that name none'))
    .addOption(new Option('-g, --resource-group <name>', 'taken from az, without meaning here').hideHelp())
    .addOption(new Option('--subscription <name>', 'taken from az, without meaning here').hideHelp())
    .addOption(new Option('--only-show-errors', 'taken from az, without meaning here').hideHelp())
    .addOption(new Option('--verbose', 'taken from az, without meaning here').hideHelp())
    .addOption(new Option('--debug', 'taken from az, without meaning here').hideHelp());
