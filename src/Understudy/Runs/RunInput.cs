namespace Understudy.Runs;

/// <summary>A file or folder that a run reads.</summary>
/// <param name="Path">Where it is, absolute.</param>
/// <param name="Folder">Whether a folder is expected there.</param>
/// <param name="KeyPath">The option that names it.</param>
/// <param name="Where">Where that option stands.</param>
internal sealed record RunInput(string Path, bool Folder, string KeyPath, string Where)
{
    /// <summary>What is wrong with what lies there; null when nothing is.</summary>
    public RunFileFault? Fault
    {
        get
        {
            var (file, folder) = (File.Exists(Path), Directory.Exists(Path));
            var fault = !file && !folder ? $"there is no file or folder '{Path}'. Relative paths start at the run file's folder (those of --set at the current directory)."
                : folder && !Folder ? $"expected a file, found the folder '{Path}'. Name the file in it."
                : file && Folder ? $"expected a folder, found the file '{Path}'. Name the folder that holds it."
                : null;
            return fault is null ? null : new RunFileFault(Where, KeyPath, $"{KeyPath}: {fault}");
        }
    }
}
