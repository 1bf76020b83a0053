using Understudy.Cli;

using var output = StandardOutput.Open();
return CommandLine.Run(args, output ?? Console.Out, Console.Error);
