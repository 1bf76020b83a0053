namespace Understudy.Runs;

/// <summary>One thing wrong with a run file or with an override of it.</summary>
/// <param name="Where">The place: <c>configs/intents.yaml(9,3)</c>, or <c>--set student.epoch=3</c> for an override.</param>
/// <param name="KeyPath">The key at fault from the root, for example <c>students[0].training.epochs</c>; empty when no key is.</param>
/// <param name="Message">What was expected, what was found, and the cure.</param>
public sealed record RunFileFault(string Where, string KeyPath, string Message)
{
    /// <summary>The place, a colon and the message: one line as the command line prints it.</summary>
    public override string ToString() => $"{Where}: {Message}";
}
