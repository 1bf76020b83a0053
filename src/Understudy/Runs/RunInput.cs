using Understudy.Hub;

namespace Understudy.Runs;

/// <summary>A file or folder that a run reads.</summary>
/// <param name="Path">Where it is, absolute; the text as it was given where that names a model on the Hub, or one that the box lacks, and can be no path.</param>
/// <param name="Folder">Whether a folder is expected there.</param>
/// <param name="KeyPath">The option that names it.</param>
/// <param name="Where">Where that option stands.</param>
/// <param name="Model">Whether a model is expected, which may be one on the Hub or in the box.</param>
/// <param name="OnHub">The model on the Hub that is meant, since there is nothing at <paramref name="Path"/>.</param>
/// <param name="Hint">What else may be meant when there is nothing: a sentence, or nothing.</param>
/// <param name="NotInBox">Says that the box lacks the model that is named; null when it has it, or when none of the box is named.</param>
internal sealed record RunInput(string Path, bool Folder, string KeyPath, string Where, bool Model = false, HubName? OnHub = null, string Hint = "", string? NotInBox = null)
{
    /// <summary>What is wrong with what lies there; null when nothing is.</summary>
    public RunFileFault? Fault
    {
        get
        {
            var (file, folder) = (File.Exists(Path), Directory.Exists(Path));
            var fault = NotInBox is not null ? NotInBox
                : OnHub is not null ? null
                : !file && !folder ? $"there is no file or folder '{Path}'. Relative paths start at the run file's folder (those of --set at the current directory).{(Model ? $" It is no name on the Hub either, which is {HubName.Expected}." : "")}{Hint}"
                : folder && !Folder ? $"expected a file, found the folder '{Path}'. Name the file in it."
                : file && Folder ? $"expected a folder, found the file '{Path}'. Name the folder that holds it."
                : null;
            return fault is null ? null : FaultOf(fault);
        }
    }

    /// <summary>What is wrong with the model on the Hub, together with what is wrong with the folder that it might have been.</summary>
    public RunFileFault HubFault(string message) =>
        FaultOf(HubName.IsExplicit(Path) ? message : $"there is no folder '{Path}'. As a name on the Hub, {message}");

    private RunFileFault FaultOf(string message) => new(Where, KeyPath, $"{KeyPath}: {message}");
}
