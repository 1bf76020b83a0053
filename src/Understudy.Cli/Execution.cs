namespace Understudy.Cli;

/// <summary>What a verb needs of the process around it: results go to <paramref name="Output"/>, everything else to <paramref name="Error"/>.</summary>
internal sealed record Execution(TextWriter Output, TextWriter Error, CancellationToken Stop);
