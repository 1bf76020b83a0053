namespace Understudy.Data;

/// <summary>One thing wrong with an options record, found by its <c>Validate()</c>.</summary>
/// <param name="KeyPath">
/// The key at fault in the run file's own spelling, relative to the record's section: <c>columns.text</c>,
/// <c>sources[2].path</c>. Empty when the section as a whole is at fault.
/// </param>
/// <param name="Message">A whole sentence: what was expected, what was found, the cure.</param>
public readonly record struct OptionFault(string KeyPath, string Message)
{
    /// <summary>The same fault seen from the section around it: <c>text</c> under <c>columns</c> becomes <c>columns.text</c>.</summary>
    /// <param name="section">The key of the inner section in the outer one, for example <c>columns</c> or <c>sources[2]</c>.</param>
    public OptionFault Under(string section) =>
        this with { KeyPath = KeyPath.Length == 0 ? section : KeyPath[0] == '[' ? section + KeyPath : $"{section}.{KeyPath}" };

    /// <summary>The key path, a colon and the message; the message alone when there is no key path.</summary>
    public override string ToString() => KeyPath.Length == 0 ? Message : $"{KeyPath}: {Message}";
}
